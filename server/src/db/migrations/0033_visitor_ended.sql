-- A visitor's token carries no state, so its end stands here: no token that names an ended visitor opens anything.
-- placement: everywhere

alter table contact_identities add column if not exists ended_at timestamptz;
