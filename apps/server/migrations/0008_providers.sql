-- What an agent found the task's configuration, modules and state to use, when it gave the task back because it may not use all
-- of that; null while nobody has looked. Source addresses, sorted.
ALTER TABLE tasks ADD COLUMN providers jsonb;
