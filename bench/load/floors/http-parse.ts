import { serve } from "../program.ts";
import { type CannedAnswer, listenBare } from "./http-server.ts";

/* Floor: bare HTTP. Parses the request and answers the same bytes; nothing is decided and nothing is kept. */
serve((answer) => listenBare(answer as CannedAnswer, (then) => then()));
