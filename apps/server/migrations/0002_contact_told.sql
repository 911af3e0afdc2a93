-- The lease whose end people have been told of, so that of several replicas one tells it.
ALTER TABLE attempts ADD COLUMN contact_lost_told_for timestamptz;
