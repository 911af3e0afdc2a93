-- The audit log only grows, and shows when somebody has changed it (docs/audit.md).

ALTER TABLE audit
  -- Milliseconds are what goes out and what is hashed; nothing hides behind them.
  ALTER COLUMN at TYPE timestamptz(3),
  ADD COLUMN credential_id text,
  ADD COLUMN user_agent text,
  -- The server's own mark on what it writes, made with a key that is not in the database: `nonce.hmac`.
  ADD COLUMN stamp text,
  DROP CONSTRAINT audit_actor_kind_check,
  ADD CONSTRAINT audit_actor_kind_check CHECK (actor_kind IN ('user', 'client', 'agent', 'attempt', 'system')),
  -- Rows from before have none.
  ADD CONSTRAINT audit_stamped CHECK (stamp IS NOT NULL) NOT VALID,
  -- In the place of the index below, at its price: the chain refers to it.
  ADD CONSTRAINT audit_by_organization_seq UNIQUE (organization_id, seq);
DROP INDEX audit_by_organization;

-- The chain: every entry's place and hash. Written by the sealer after the entry is committed, never in its transaction.
CREATE TABLE audit_chain (
  organization_id  text NOT NULL,
  position         bigint NOT NULL CHECK (position > 0),
  seq              bigint NOT NULL,
  hash             text NOT NULL,
  -- The entry's, so that a copy of an entry is no second one.
  stamp            text,
  PRIMARY KEY (organization_id, position),
  UNIQUE (organization_id, seq),
  UNIQUE (organization_id, stamp),
  FOREIGN KEY (organization_id, seq) REFERENCES audit (organization_id, seq) ON DELETE CASCADE
);

CREATE TABLE audit_heads (
  organization_id  text PRIMARY KEY REFERENCES organizations (id),
  position         bigint NOT NULL,
  hash             text NOT NULL,
  unstamped        bigint NOT NULL,
  sealed_at        timestamptz(3) NOT NULL,
  signature        text NOT NULL
);

-- What was removed from the old end by "groundcrew server audit prune".
CREATE TABLE audit_gaps (
  organization_id  text NOT NULL REFERENCES organizations (id),
  from_position    bigint NOT NULL,
  to_position      bigint NOT NULL,
  previous         text NOT NULL,
  hash             text NOT NULL,
  removed_at       timestamptz(3) NOT NULL,
  removed_by       text NOT NULL,
  reason           text NOT NULL,
  signature        text NOT NULL,
  PRIMARY KEY (organization_id, to_position),
  CHECK (from_position <= to_position)
);

CREATE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'The audit log only grows: % on % is refused.', TG_OP, TG_TABLE_NAME
    USING ERRCODE = 'restrict_violation', HINT = 'Old entries are removed with: groundcrew server audit prune';
END $$;

-- An entry may go when the record of a gap stands for it.
CREATE FUNCTION refuse_unrecorded_removal() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (
    SELECT FROM audit_chain c JOIN audit_gaps g ON g.organization_id = c.organization_id
    WHERE c.organization_id = OLD.organization_id AND c.seq = OLD.seq AND c.position BETWEEN g.from_position AND g.to_position
  ) THEN RETURN OLD; END IF;
  RAISE EXCEPTION 'The audit log only grows: DELETE on % is refused.', TG_TABLE_NAME
    USING ERRCODE = 'restrict_violation', HINT = 'Old entries are removed with: groundcrew server audit prune';
END $$;

CREATE FUNCTION refuse_retreat() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.organization_id = OLD.organization_id AND NEW.position > OLD.position THEN RETURN NEW; END IF;
  RAISE EXCEPTION 'The head of the audit log only moves forward.' USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit FOR EACH ROW EXECUTE FUNCTION refuse_audit_change();
CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit FOR EACH ROW EXECUTE FUNCTION refuse_unrecorded_removal();
CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON audit EXECUTE FUNCTION refuse_audit_change();
CREATE TRIGGER audit_chain_no_update BEFORE UPDATE ON audit_chain FOR EACH ROW EXECUTE FUNCTION refuse_audit_change();
CREATE TRIGGER audit_chain_no_delete BEFORE DELETE ON audit_chain FOR EACH ROW EXECUTE FUNCTION refuse_unrecorded_removal();
CREATE TRIGGER audit_chain_no_truncate BEFORE TRUNCATE ON audit_chain EXECUTE FUNCTION refuse_audit_change();
CREATE TRIGGER audit_heads_forward BEFORE UPDATE ON audit_heads FOR EACH ROW EXECUTE FUNCTION refuse_retreat();
CREATE TRIGGER audit_heads_no_delete BEFORE DELETE ON audit_heads FOR EACH ROW EXECUTE FUNCTION refuse_audit_change();
CREATE TRIGGER audit_heads_no_truncate BEFORE TRUNCATE ON audit_heads EXECUTE FUNCTION refuse_audit_change();
CREATE TRIGGER audit_gaps_no_change BEFORE UPDATE OR DELETE ON audit_gaps FOR EACH ROW EXECUTE FUNCTION refuse_audit_change();
CREATE TRIGGER audit_gaps_no_truncate BEFORE TRUNCATE ON audit_gaps EXECUTE FUNCTION refuse_audit_change();
