import { type AgentState, RPC_ERROR, StopParams } from '@groundcrew/protocol';
import { RpcFailure, type RpcMethods } from './daemon-socket.ts';

/** What a daemon may ask of the agent over the Unix socket. */
export const createDaemonMethods = ({
  state,
  onStop,
}: {
  state: () => AgentState;
  onStop: (now: boolean) => void;
}): RpcMethods => ({
  /** The same as the state file. */
  status: () => state(),
  /** Answered before the agent begins to leave, and the same every time. */
  stop(params) {
    const wish = StopParams.safeParse(params);
    if (!wish.success)
      throw new RpcFailure(RPC_ERROR.badParams, 'stop takes {"now": true}, {"now": false} or nothing.');
    setImmediate(() => onStop(wish.data.now));
    return { message: wish.data.now ? 'leaving' : 'draining' };
  },
});
