-- In which language somebody read the words that they agreed to. Before there were others, all words were English.
-- consent.text_locale: SENSITIVE a tag
-- software_consent.text_locale: SENSITIVE a tag
ALTER TABLE consent ADD COLUMN text_locale text NOT NULL DEFAULT 'en';
ALTER TABLE software_consent ADD COLUMN text_locale text NOT NULL DEFAULT 'en';
