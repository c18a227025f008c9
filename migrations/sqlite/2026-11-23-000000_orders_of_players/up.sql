-- The orders of a player, in shelves of 2^28 milliseconds, three days: an id begins with its time in milliseconds, 48 bits in twelve digits
-- (src/orders/of_player.rs). Only the newest shelf is written to: what stays in memory and what a checkpoint writes back is bounded by the orders of
-- three days, whatever the size of the books. They serve a player's totals and own list, and the staff's list of a player.
DROP INDEX payouts_of_a_player;
CREATE INDEX payouts_of_a_player ON payouts (substr(external_id, 1, 5), player_id);
DROP INDEX deposits_of_a_player;
CREATE INDEX deposits_of_a_player ON deposits (substr(external_id, 1, 5), player_id);
