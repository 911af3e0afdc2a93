/** A number in [0, 1), as `Math.random`; handed in wherever dice are rolled. Nothing secret comes from it. */
export type Random = () => number;

/** The platform's own dice. */
export const systemRandom: Random = () => Math.random();
