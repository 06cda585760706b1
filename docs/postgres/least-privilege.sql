-- Two users instead of one: granary_owner makes and changes tables, granary_app runs agents and can do no more than that.
-- Run once as a superuser in the database, after replacing the passwords. For another schema replace 'granary' in
-- 'schema granary' and 'on schema granary' as well as in search paths.
--
-- 1. Start a silo once as granary_owner, and stop it: it makes the tables.
-- 2. Run everything else as granary_app, with Granary:Journal:MigrateAtStart=false.

create role granary_owner login password 'replace-me';
create role granary_app login password 'replace-me';

create schema granary authorization granary_owner;
grant usage on schema granary to granary_app;

-- For tables that exist, and for those that granary_owner makes later.
grant select, insert, update, delete on all tables in schema granary to granary_app;
alter default privileges for role granary_owner in schema granary grant select, insert, update, delete on tables to granary_app;

-- Not needed: CREATE on the database or the schema, TRUNCATE, REFERENCES, TRIGGER, any function, any superuser's right.
