import type { FastifyRequest } from "fastify";

/** One parameter of the query; undefined where it is absent or repeated, which no URL of ours has. */
export function parameter(request: FastifyRequest, name: string): string | undefined {
  const value = (request.query as Readonly<Record<string, unknown>>)[name];
  return typeof value === "string" ? value : undefined;
}

export function isRepeated(request: FastifyRequest, name: string): boolean {
  return Array.isArray((request.query as Readonly<Record<string, unknown>>)[name]);
}
