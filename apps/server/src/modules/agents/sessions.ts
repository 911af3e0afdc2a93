import { newId } from '@groundcrew/kit';
import type { AgentId, AttemptId, CancelLevel, ServerFrame, TaskId } from '@groundcrew/protocol';

/** A frame without its id, which the session gives. */
export type Outgoing = {
  [T in ServerFrame['type']]: Omit<Extract<ServerFrame, { type: T }>, 'id'>;
}[ServerFrame['type']];

/** An open command socket on this replica. */
export interface Session {
  agentId: AgentId;
  instance: number;
  /** False when the socket is gone; the offer then waits for whoever comes next. */
  send(frame: Outgoing): boolean;
  /** Tells an instance that a newer one has taken its place. */
  drain(): void;
  close(code: number, sentence: string): void;
  /** Sends what the database holds for the agent and was not sent yet. */
  flush(): void;
  /** Closes unless what the agent signed on with still counts. */
  recheck(): void;
}

/** The command sockets that this replica holds, by agent. */
export function createSessions() {
  const sessions = new Map<AgentId, Session>();
  return {
    find: (agentId: AgentId): Session | undefined => sessions.get(agentId),
    /** A newer instance takes the place of the older one, which is told to drain; the same one on a newer connection just moves there. */
    add(session: Session): boolean {
      const older = sessions.get(session.agentId);
      if (older !== undefined && older.instance > session.instance) return false;
      sessions.set(session.agentId, session);
      if (older === undefined) return true;
      if (older.instance < session.instance) older.drain();
      else older.close(1000, 'The agent has connected anew.');
      return true;
    },
    remove(session: Session): boolean {
      if (sessions.get(session.agentId) !== session) return false;
      return sessions.delete(session.agentId);
    },
    cancel: (agentId: AgentId, taskId: TaskId, attemptId: AttemptId, level: CancelLevel): boolean =>
      sessions
        .get(agentId)
        ?.send({ type: 'cancel_task', payload: { task_id: taskId, attempt_id: attemptId, level } }) ?? false,
    size: (): number => sessions.size,
    newFrameId: (): string => newId('f'),
  };
}
export type Sessions = ReturnType<typeof createSessions>;
