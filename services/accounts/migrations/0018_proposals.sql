-- An app that waits is shown again only in the session that it was proposed in.
-- totp.session_id: PLAIN in which session it was proposed
DELETE FROM totp WHERE NOT confirmed;
ALTER TABLE totp ADD COLUMN session_id uuid;
ALTER TABLE totp ADD CONSTRAINT totp_proposal_session CHECK (confirmed OR session_id IS NOT NULL);
