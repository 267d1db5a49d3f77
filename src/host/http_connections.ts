/**
 * Bounds the connections of the HTTP server, so that no client can keep others from its endpoints.
 *
 * At a limit the oldest idle connection makes room. To refuse the newest instead would let a client
 * that holds its connections open keep every health probe out.
 *
 * @module
 */

/** Limits of connections, over all addresses that the server listens on. */
export interface ConnectionLimits {
  /** Maximum number of all connections. */
  readonly total: number;
  /** From one address of another machine. */
  readonly perAddress: number;
  /** Part of `total` that only clients on this machine may use. */
  readonly keptForLoopback: number;
}

/** An open connection. */
export interface OpenConnection {
  /** The client's address. */
  readonly address: string;
  /** Whether the client is on this machine. */
  readonly isLocal: boolean;
  /** Whether a complete request is being answered. */
  readonly isBusy: boolean;
}

/** What happens to a new connection. */
export type Admission<Connection> =
  | { readonly kind: "accept"; readonly evicts?: Connection }
  | { readonly kind: "refuse" };

/**
 * Decides about a new connection.
 *
 * @param open Open connections, oldest first, without the new one.
 */
export function admitConnection<Connection extends OpenConnection>(
  open: readonly Connection[],
  { address, isLocal }: Pick<OpenConnection, "address" | "isLocal">,
  { total, perAddress, keptForLoopback }: ConnectionLimits,
): Admission<Connection> {
  const remote = open.filter((one) => !one.isLocal);
  const sameAddress = remote.filter((one) => one.address === address);
  const isIdle = (one: Connection) => !one.isBusy;
  let oldest: Connection | undefined;
  if (!isLocal && sameAddress.length >= perAddress) oldest = sameAddress.find(isIdle);
  else if (!isLocal && remote.length >= total - keptForLoopback) oldest = remote.find(isIdle);
  else if (open.length >= total) oldest = remote.find(isIdle) ?? open.find(isIdle);
  else return { kind: "accept" };
  return oldest ? { kind: "accept", evicts: oldest } : { kind: "refuse" };
}
