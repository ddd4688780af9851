-- What a bot says in its own name, how often it may not know before a person is asked, and the language of a conversation.
-- placement: everywhere

alter table bots
  add column if not exists misses_before_handoff smallint default 2,
  add column if not exists answers_while_waiting boolean not null default true,
  add column if not exists texts jsonb not null default '{}';

-- What nobody has written themselves is said in the customer's language from now on.
update bots set unknown_answer = '' where unknown_answer = 'I could not find this in our help pages.';
update bots set greeting = '' where greeting = 'Hello! What can we help you with?';

alter table conversations
  add column if not exists language text,
  add column if not exists misses smallint not null default 0;
