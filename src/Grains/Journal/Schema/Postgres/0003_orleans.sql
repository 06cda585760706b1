-- What Orleans' ADO.NET providers for clustering, reminders and grain storage work with: their contract is the names of the
-- queries, of the parameters and of the columns. The text is our own. Connections need the schema in their search path, and
-- the time zone UTC, because times come without one.

create table OrleansQuery (
  QueryKey text not null primary key,
  QueryText text not null
);

create table OrleansMembershipVersionTable (
  DeploymentId text not null primary key,
  Version integer not null
);

create table OrleansMembershipTable (
  DeploymentId text not null,
  Address text not null,
  Port integer not null,
  Generation integer not null,
  SiloName text not null,
  HostName text not null,
  Status integer not null,
  ProxyPort integer,
  SuspectTimes text,
  StartTime timestamptz not null,
  IAmAliveTime timestamptz not null,
  primary key (DeploymentId, Address, Port, Generation)
);

create table OrleansRemindersTable (
  ServiceId text not null,
  GrainId text not null,
  ReminderName text not null,
  StartTime timestamptz not null,
  Period bigint not null,
  GrainHash integer not null,
  Version integer not null,
  primary key (ServiceId, GrainId, ReminderName)
);

create index OrleansRemindersHash on OrleansRemindersTable (ServiceId, GrainHash);

create table OrleansStorage (
  GrainIdHash integer not null,
  GrainIdN0 bigint not null,
  GrainIdN1 bigint not null,
  GrainTypeHash integer not null,
  GrainTypeString text not null,
  GrainIdExtensionString text,
  ServiceId text not null,
  PayloadBinary bytea,
  Version integer
);

create unique index OrleansStorageKey on OrleansStorage
  (GrainIdHash, GrainTypeHash, GrainIdN0, GrainIdN1, GrainTypeString, coalesce(GrainIdExtensionString, ''), ServiceId);

-- A change of the membership counts only with the version it was decided on: the version's row is taken first, and who
-- finds another there changes nothing and is told 0.
insert into OrleansQuery (QueryKey, QueryText) values
('InsertMembershipVersionKey', '
  with made as (
    insert into OrleansMembershipVersionTable (DeploymentId, Version) values (@DeploymentId, 0)
    on conflict (DeploymentId) do nothing returning 1)
  select count(*)::integer from made'),
('InsertMembershipKey', '
  with taken as (
    update OrleansMembershipVersionTable v set Version = v.Version + 1
    where v.DeploymentId = @DeploymentId and v.Version = @Version and not exists (
      select 1 from OrleansMembershipTable m
      where m.DeploymentId = @DeploymentId and m.Address = @Address and m.Port = @Port and m.Generation = @Generation)
    returning 1),
  joined as (
    insert into OrleansMembershipTable (DeploymentId, Address, Port, Generation, SiloName, HostName, Status, ProxyPort, StartTime, IAmAliveTime)
    select @DeploymentId, @Address, @Port, @Generation, @SiloName, @HostName, @Status, @ProxyPort, @StartTime, @IAmAliveTime from taken
    returning 1)
  select count(*)::integer from joined'),
('UpdateMembershipKey', '
  with taken as (
    update OrleansMembershipVersionTable v set Version = v.Version + 1
    where v.DeploymentId = @DeploymentId and v.Version = @Version and exists (
      select 1 from OrleansMembershipTable m
      where m.DeploymentId = @DeploymentId and m.Address = @Address and m.Port = @Port and m.Generation = @Generation)
    returning 1),
  changed as (
    update OrleansMembershipTable m set Status = @Status, SuspectTimes = @SuspectTimes, IAmAliveTime = @IAmAliveTime
    from taken
    where m.DeploymentId = @DeploymentId and m.Address = @Address and m.Port = @Port and m.Generation = @Generation
    returning 1)
  select count(*)::integer from changed'),
('UpdateIAmAlivetimeKey', '
  update OrleansMembershipTable set IAmAliveTime = @IAmAliveTime
  where DeploymentId = @DeploymentId and Address = @Address and Port = @Port and Generation = @Generation'),
('MembershipReadRowKey', '
  select v.DeploymentId, m.Address, m.Port, m.Generation, m.SiloName, m.HostName, m.Status, m.ProxyPort, m.SuspectTimes, m.StartTime,
    m.IAmAliveTime, v.Version
  from OrleansMembershipVersionTable v
  left join OrleansMembershipTable m
    on m.DeploymentId = v.DeploymentId and m.Address = @Address and m.Port = @Port and m.Generation = @Generation
  where v.DeploymentId = @DeploymentId'),
('MembershipReadAllKey', '
  select v.DeploymentId, m.Address, m.Port, m.Generation, m.SiloName, m.HostName, m.Status, m.ProxyPort, m.SuspectTimes, m.StartTime,
    m.IAmAliveTime, v.Version
  from OrleansMembershipVersionTable v
  left join OrleansMembershipTable m on m.DeploymentId = v.DeploymentId
  where v.DeploymentId = @DeploymentId'),
('DeleteMembershipTableEntriesKey', '
  with gone as (delete from OrleansMembershipTable where DeploymentId = @DeploymentId)
  delete from OrleansMembershipVersionTable where DeploymentId = @DeploymentId'),
('GatewaysQueryKey', '
  select Address, ProxyPort, Generation from OrleansMembershipTable
  where DeploymentId = @DeploymentId and Status = @Status and ProxyPort > 0'),
('CleanupDefunctSiloEntriesKey', '
  delete from OrleansMembershipTable
  where DeploymentId = @DeploymentId and IAmAliveTime < @IAmAliveTime and Status <> 3'),
('UpsertReminderRowKey', '
  insert into OrleansRemindersTable as r (ServiceId, GrainId, ReminderName, StartTime, Period, GrainHash, Version)
  values (@ServiceId, @GrainId, @ReminderName, @StartTime, @Period, @GrainHash, 0)
  on conflict (ServiceId, GrainId, ReminderName) do update
  set StartTime = excluded.StartTime, Period = excluded.Period, GrainHash = excluded.GrainHash, Version = r.Version + 1
  returning r.Version as Version'),
('ReadReminderRowsKey', '
  select GrainId, ReminderName, StartTime, Period, Version from OrleansRemindersTable
  where ServiceId = @ServiceId and GrainId = @GrainId'),
('ReadReminderRowKey', '
  select GrainId, ReminderName, StartTime, Period, Version from OrleansRemindersTable
  where ServiceId = @ServiceId and GrainId = @GrainId and ReminderName = @ReminderName'),
('ReadRangeRows1Key', '
  select GrainId, ReminderName, StartTime, Period, Version from OrleansRemindersTable
  where ServiceId = @ServiceId and GrainHash > @BeginHash and GrainHash <= @EndHash'),
('ReadRangeRows2Key', '
  select GrainId, ReminderName, StartTime, Period, Version from OrleansRemindersTable
  where ServiceId = @ServiceId and (GrainHash > @BeginHash or GrainHash <= @EndHash)'),
('DeleteReminderRowKey', '
  with gone as (
    delete from OrleansRemindersTable
    where ServiceId = @ServiceId and GrainId = @GrainId and ReminderName = @ReminderName and Version = @Version returning 1)
  select count(*)::integer from gone'),
('DeleteReminderRowsKey', '
  delete from OrleansRemindersTable where ServiceId = @ServiceId'),
('ReadFromStorageKey', '
  select PayloadBinary, Version from OrleansStorage
  where GrainIdHash = @GrainIdHash and GrainTypeHash = @GrainTypeHash and GrainIdN0 = @GrainIdN0 and GrainIdN1 = @GrainIdN1
    and GrainTypeString = @GrainTypeString and coalesce(GrainIdExtensionString, '''') = coalesce(@GrainIdExtensionString::text, '''')
    and ServiceId = @ServiceId'),
('WriteToStorageKey', '
  insert into OrleansStorage as s (GrainIdHash, GrainIdN0, GrainIdN1, GrainTypeHash, GrainTypeString, GrainIdExtensionString, ServiceId, PayloadBinary, Version)
  select @GrainIdHash, @GrainIdN0, @GrainIdN1, @GrainTypeHash, @GrainTypeString, @GrainIdExtensionString::text, @ServiceId, @PayloadBinary::bytea, 1
  where @GrainStateVersion::integer is null or exists (
    select 1 from OrleansStorage
    where GrainIdHash = @GrainIdHash and GrainTypeHash = @GrainTypeHash and GrainIdN0 = @GrainIdN0 and GrainIdN1 = @GrainIdN1
      and GrainTypeString = @GrainTypeString and coalesce(GrainIdExtensionString, '''') = coalesce(@GrainIdExtensionString::text, '''')
      and ServiceId = @ServiceId)
  on conflict (GrainIdHash, GrainTypeHash, GrainIdN0, GrainIdN1, GrainTypeString, coalesce(GrainIdExtensionString, ''''), ServiceId) do update
  set PayloadBinary = excluded.PayloadBinary, Version = s.Version + 1
  where s.Version = @GrainStateVersion::integer
  returning s.Version as NewGrainStateVersion'),
('ClearStorageKey', '
  update OrleansStorage set PayloadBinary = null, Version = Version + 1
  where GrainIdHash = @GrainIdHash and GrainTypeHash = @GrainTypeHash and GrainIdN0 = @GrainIdN0 and GrainIdN1 = @GrainIdN1
    and GrainTypeString = @GrainTypeString and coalesce(GrainIdExtensionString, '''') = coalesce(@GrainIdExtensionString::text, '''')
    and ServiceId = @ServiceId and Version = @GrainStateVersion::integer
  returning Version as NewGrainStateVersion');
