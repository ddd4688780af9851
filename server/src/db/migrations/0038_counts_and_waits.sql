-- 0038_counts_and_waits
-- The numbers beside the views are read from indexes alone, by inbox. A handoff keeps what a place in the queue took lately
-- when it began to wait, so that what its customer is told does not grow while they wait.
-- placement: everywhere

drop index if exists conversations_unresolved;
create index if not exists conversations_unresolved on conversations (workspace_id, inbox_id, status, assignee_id) where status <> 'resolved';
create index if not exists conversations_resolved on conversations (workspace_id, inbox_id) where status = 'resolved';

alter table handoffs
  -- in the queue, when it began to wait; 1 is next
  add column if not exists place integer,
  -- seconds a place took: the median and the upper quartile of the last ones who were picked up; null while too few are known
  add column if not exists place_seconds real,
  add column if not exists place_seconds_upper real;
