-- The entries of a player, in shelves of 1024 consecutive entries (src/wallet/statement.rs). Within a shelf they are in no order of time, but
-- only the newest shelf is written to: some six pages, whatever the size of the books. By player alone every entry changes a page of its
-- own somewhere in an index that grows without end: half of all pages that a busy service wrote.
DROP INDEX entries_of_a_player;
CREATE INDEX entries_of_a_player ON journal_entries ((id / 1024), player_id, id);
