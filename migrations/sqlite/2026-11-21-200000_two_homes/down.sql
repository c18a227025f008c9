DROP VIEW sealed_entries;
DROP TABLE leases;
ALTER TABLE payout_attempts DROP COLUMN owner;
