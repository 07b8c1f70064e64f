-- What every opening writes stays where it is: a row that no index has to follow is changed within its page.
DROP INDEX throttle_free;
ALTER TABLE throttle SET (fillfactor = 50);
ALTER TABLE receipt_p0 SET (fillfactor = 80);
ALTER TABLE receipt_p1 SET (fillfactor = 80);
ALTER TABLE receipt_p2 SET (fillfactor = 80);
ALTER TABLE receipt_p3 SET (fillfactor = 80);
ALTER TABLE receipt_p4 SET (fillfactor = 80);
ALTER TABLE receipt_p5 SET (fillfactor = 80);
ALTER TABLE receipt_p6 SET (fillfactor = 80);
ALTER TABLE receipt_p7 SET (fillfactor = 80);
