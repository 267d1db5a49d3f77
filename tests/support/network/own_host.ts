/**
 * An address of this machine for the servers of one test process.
 *
 * A port that a test closes for a while can be taken by another process meanwhile, as each
 * connection that leaves takes one. On Linux all of 127.0.0.0/8 is this machine, and connections
 * leave from 127.0.0.1.
 *
 * @module
 */

import process from "node:process";

export const OWN_HOST = process.platform === "linux"
  ? `127.1.${(process.pid >> 8) & 255}.${process.pid & 255}`
  : "127.0.0.1";
