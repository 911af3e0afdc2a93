/** Terraform's description of its state lock; only the id matters, the rest is handed back to whoever is turned away. */
export interface LockBody {
  id: string;
  /** As Terraform sent it. */
  info: string;
}

/** Reads the body of LOCK or UNLOCK; undefined for an empty one (`force-unlock` sends none) or one without an id. */
export function findLockBody(body: string): LockBody | undefined {
  try {
    const id = (JSON.parse(body) as { ID?: unknown } | null)?.ID;
    return typeof id === 'string' && id !== '' && id.length <= 128 ? { id, info: body } : undefined;
  } catch {
    return undefined;
  }
}

/** A body that makes Terraform print a sentence: of a refused LOCK it shows nothing but the holder's id. */
export const refusalBody = (sentence: string): string => JSON.stringify({ ID: sentence });
