-- Who a site says its visitor is. `user_id` stands where that was proven by a signature (decision 45); what was only said is in `unverified`.
-- placement: everywhere

alter table contact_identities add column if not exists user_id text;
create index if not exists contact_identities_user on contact_identities (inbox_id, user_id) where user_id is not null;
alter table contacts add column if not exists unverified jsonb not null default '{}';
