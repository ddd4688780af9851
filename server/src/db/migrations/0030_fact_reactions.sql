-- Which reactions a fact is for, and which of them have dealt with it, each with the error it was given up with. A fact
-- handed over by the version before has none of this yet and is handed over once more.
-- placement: everywhere

alter table outbox
  add column if not exists due text[],
  add column if not exists done text[] not null default '{}',
  add column if not exists errors jsonb;
grant select (due, done, errors), update (due, done, errors) on outbox to parley_system;
