-- Which replies are stored? Each as the number that the first 15 digits of its name spell.
SELECT CAST('0x' || reply_id[:15] AS BIGINT) AS number
FROM replies
ORDER BY number;
