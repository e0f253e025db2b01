import { hash, timingSafeEqual } from "node:crypto";
import type { FastifyRequest } from "fastify";

/** The bearer token of a request, or undefined. */
export function bearerOf(request: FastifyRequest): string | undefined {
  return /^Bearer ([\x21-\x7e]{1,512})$/i.exec(request.headers.authorization ?? "")?.[1];
}

/** Compares in a time that tells nothing of where two secrets differ, nor of their lengths. */
export function isSameSecret(given: string, expected: string): boolean {
  return timingSafeEqual(hash("sha256", given, "buffer"), hash("sha256", expected, "buffer"));
}
