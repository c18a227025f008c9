DROP INDEX entries_of_a_player;
CREATE INDEX entries_of_a_player ON journal_entries (player_id, id);
