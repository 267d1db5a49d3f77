/**
 * Barnacle's entry: the arguments to one command, and its end to one exit code.
 *
 * @module
 */

import { main } from "./cli/app.ts";

void main();
