import type { Client } from 'pg';

export interface Sample {
  id: string;
  name: string;
}

/** Where in the history to look: the busiest, the middle, and some of everything. */
export interface Landmarks {
  middleSeq: number;
  middleName: string;
  middleAgent: string;
  /** Of the busiest workspace. */
  middleVersion: number;
  /** Of the busiest agent. */
  middleAttempt: string;
  middleAudit: number;
  middleTime: Date;
  hotWorkspace: string;
  hotAgent: string;
  pools: string[];
  tasks: Sample[];
  workspaces: Sample[];
}

const MIDDLES = `
WITH hot AS (
  SELECT (SELECT workspace_id FROM tasks GROUP BY 1 ORDER BY count(*) DESC LIMIT 1) AS w,
    (SELECT agent_id FROM attempts GROUP BY 1 ORDER BY count(*) DESC LIMIT 1) AS g
)
SELECT w AS "hotWorkspace", g AS "hotAgent",
  (SELECT max(seq) / 2 FROM tasks)::integer AS "middleSeq",
  (SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY name) FROM workspaces) AS "middleName",
  (SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY name) FROM agents) AS "middleAgent",
  (SELECT max(version) / 2 FROM state_versions WHERE workspace_id = w) AS "middleVersion",
  (SELECT id FROM attempts WHERE agent_id = g ORDER BY offered_at OFFSET (SELECT count(*) / 2 FROM attempts WHERE agent_id = g) LIMIT 1) AS "middleAttempt",
  (SELECT max(seq) / 2 FROM audit)::integer AS "middleAudit",
  (SELECT created_at FROM tasks WHERE seq >= (SELECT max(seq) / 2 FROM tasks) ORDER BY seq LIMIT 1) AS "middleTime",
  (SELECT array_agg(DISTINCT pool_id) FROM agents WHERE pool_id IS NOT NULL) AS pools
FROM hot`;

/** Looks around in a database that was filled. `keptLogs`: the tasks sampled have their log in the database. */
export async function findLandmarks(database: Client): Promise<Landmarks> {
  const middles = await database.query<Landmarks>(MIDDLES);
  const row = middles.rows[0];
  if (row === undefined) throw new Error('There is no history to look around in.');
  const tasks = await database.query<Sample>(
    `SELECT t.id, '' AS name FROM tasks t WHERE EXISTS (SELECT FROM log_streams s WHERE s.task_id = t.id AND s.archived_key IS NULL)
     ORDER BY md5(t.id) LIMIT 50`,
  );
  const workspaces = await database.query<Sample>('SELECT id, name FROM workspaces ORDER BY md5(id) LIMIT 50');
  return { ...row, tasks: tasks.rows, workspaces: workspaces.rows };
}
