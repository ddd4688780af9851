-- How far business time is ahead of real time, in milliseconds: 0 but in tests that set the clock (decision 34).
alter table installation add column clock_ahead_ms bigint not null default 0;
grant select (clock_ahead_ms), update (clock_ahead_ms) on installation to parley_app;
create policy clock on installation for update to parley_app using (true) with check (true);
