/**
 * An address of this machine for the servers of one test process.
 *
 * Another process can take a port that a test closes for a while, because each outgoing connection
 * takes one. On Linux all of 127.0.0.0/8 is this machine, and connections leave from 127.0.0.1.
 */

import process from "node:process";

export const OWN_HOST = process.platform === "linux"
  ? `127.1.${(process.pid >> 8) & 255}.${process.pid & 255}`
  : "127.0.0.1";
