/** Stands in for the rehearsal of a spare, which touches nothing by intent and would cost a seed more than its attempts. */
export const rehearse = async (): Promise<void> => {};
