-- How much of a source can be found, and what the person who added it should know of how it was read.
-- placement: everywhere

alter table sources
  add column if not exists words_read integer,
  add column if not exists words_searchable integer,
  add column if not exists warnings jsonb not null default '[]';
