"""The made world does what its description says: else a figure measured in it would mean nothing."""



