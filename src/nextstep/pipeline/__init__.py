"""The stages of an evaluation: each looks for rows with nothing on their right, and fills them in."""
