/** How a thread reaches NATS. */
export interface NatsAccess {
  readonly servers: string;
  readonly seedFile: string | null;
  readonly credentialsFile: string | null;
  /** Whether the server has the roles of a managed one, and so their inbox prefixes. */
  readonly managed: boolean;
}
