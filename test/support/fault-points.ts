/** Where a node can die: the steps of D2, those of folding (D7), and those of opening (D6, D8). Reached in this order by one record. */
export const FAULT_POINTS = [
  "before flush",
  "after flush, before reply",
  "after reply, before append",
  "append stored, its answer lost",
  "after append, before outputs",
  "output stored, its answer lost",
  "after outputs, before the input's acknowledgement",
  "after the input's acknowledgement",
  "during a fold",
  "after a fold, before deletion",
  "after deletion",
  "opening: before the store ends the old incarnation",
  "opening: the store answered",
  "opening: the tail is read",
  "opening: shipped again, its answer lost",
  "opening: epoch record stored, its answer lost",
  "opening: epoch record acknowledged",
] as const;
export type FaultPoint = (typeof FAULT_POINTS)[number];
