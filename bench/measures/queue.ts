import { openDatabase } from '../../e2e/harness/index.ts';
import { now } from '../stamped-terraform.ts';

/** Milliseconds from the insert of a row to its claim by a listener, on the same database, with nothing of ours in between. */
export async function measureQueue(home: string, samples: number): Promise<number[]> {
  const [producer, consumer] = [await openDatabase(home), await openDatabase(home)];
  try {
    await producer.query('CREATE TABLE IF NOT EXISTS bench_queue (id bigserial PRIMARY KEY, claimed_at timestamptz)');
    await consumer.query('LISTEN bench_queue');
    const delays: number[] = [];
    for (let n = 0; n < samples; n += 1) {
      const startedAt = now();
      const claimed = new Promise<void>((resolve, reject) => {
        consumer.once('notification', () => void consumer.query(CLAIM).then(() => resolve(), reject));
      });
      await producer.query(ENQUEUE);
      await claimed;
      delays.push(now() - startedAt);
    }
    await producer.query('DROP TABLE bench_queue');
    return delays;
  } finally {
    await Promise.all([producer.end(), consumer.end()]);
  }
}

const ENQUEUE = `WITH new AS (INSERT INTO bench_queue DEFAULT VALUES RETURNING id)
  SELECT pg_notify('bench_queue', id::text) FROM new`;
const CLAIM = `UPDATE bench_queue SET claimed_at = now() WHERE id =
  (SELECT id FROM bench_queue WHERE claimed_at IS NULL ORDER BY id FOR UPDATE SKIP LOCKED LIMIT 1)`;
