/**
 * Wake-ups: "something about `id` may have changed". They carry no data, may come twice, and may be lost while a replica is
 * cut off; whoever waits for one also looks every two seconds, and always reads what is true from the database.
 */
export interface Bus {
  /**
   * Wakes subscribers of the channel: those in this process at once, those of other replicas within milliseconds. The same
   * wake-up many times in one go is delivered once. To be called after the commit of what it tells about.
   */
  publish(channel: string, id: string): void;
  /**
   * Calls `listener` with each id until the returned function is called. `onMissed` is called whenever wake-ups of other
   * replicas may have been lost, so that the caller looks by itself.
   */
  subscribe(channel: string, listener: (id: string) => void, onMissed?: () => void): () => void;
}
