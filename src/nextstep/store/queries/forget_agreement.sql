-- Which figures of agreement are of no two judges that judged the same? They go when all are worked out anew.
DELETE FROM agreement WHERE updated_at < $since
