/** What distributions.ts uses of the package, whose own types are not reachable through its `exports`. */
declare module "cephes" {
  /** The functions may be called once this is fulfilled. */
  export const compiled: Promise<void>;
  export function ndtr(z: number): number;
  export function ndtri(probability: number): number;
  export function incbet(a: number, b: number, x: number): number;
  export function incbi(a: number, b: number, y: number): number;
  export function chdtrc(degrees: number, x: number): number;
}
