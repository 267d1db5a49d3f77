/** Declares a server of the Model Context Protocol, and the ports of a connection to it. */

import type { StartTimer } from "../lib/clock.ts";
import type { Confine, StdioProgram } from "./confine.ts";
import type { SeenTools } from "./definitions.ts";
import type { McpHttpServer } from "./oauth/logins.ts";
import type { LoginPorts } from "./oauth/provider.ts";

export interface McpServer {
  readonly id: string;
  readonly transport:
    | ({ readonly kind: "http" } & McpHttpServer)
    | ({ readonly kind: "stdio" } & StdioProgram);
  /** Tools to offer, by the server's names; all if absent. */
  readonly allow?: readonly string[];
  /** Who may see what its tools change (T4); absent: everyone. */
  readonly seenBy?: "everyone" | "nobody";
}

export interface McpPorts extends LoginPorts {
  readonly version: string;
  readonly schedule: StartTimer;
  readonly confine: Confine;
  /** Remembers descriptions and odd results over a restart. */
  readonly seen: Pick<SeenTools, "look"> & Partial<SeenTools>;
  /** The server has listed its tools, perhaps other ones than before; or it begins to connect. */
  readonly onTools: () => void;
}
