-- A read that shows exactly is in the audit, and its receipt names what the audit says of it last, so that a receipt which was
-- removed or changed shows. Of a partner's and a trusted person's the audit knows that a receipt counts, and the receipt by
-- what, so that both go together.
-- receipt.record_id: PLAIN the newest record of the audit about it; null while there is none
-- receipt.records: PLAIN how many there are
ALTER TABLE receipt ADD COLUMN record_id uuid;
ALTER TABLE receipt ADD COLUMN records integer NOT NULL DEFAULT 0;
