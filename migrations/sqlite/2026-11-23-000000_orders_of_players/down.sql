DROP INDEX payouts_of_a_player;
CREATE INDEX payouts_of_a_player ON payouts (player_id, external_id);
DROP INDEX deposits_of_a_player;
CREATE INDEX deposits_of_a_player ON deposits (player_id, external_id);
