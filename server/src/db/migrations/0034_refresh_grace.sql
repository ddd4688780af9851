-- From a refresh token that was just used and the salt beside it follows the one that came after it, so that a request that is sent
-- again is answered with the same one. The salt goes when its successor is used: nothing older has a way forward (decision 38).
alter table refresh_tokens add column successor_salt text;
