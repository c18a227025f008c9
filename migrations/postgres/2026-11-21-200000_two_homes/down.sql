DROP TABLE turns;
DROP TABLE lanes;
DROP TABLE leases;
ALTER TABLE payout_attempts DROP COLUMN owner;
