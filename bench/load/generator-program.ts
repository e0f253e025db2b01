import { Generator } from "./generator.ts";
import type { LoadPlan } from "./load-plan.ts";
import { serve } from "./program.ts";

/* The generator as a process of its own: answers a `LoadPlan` with its `LoadResult`. */
const generator = new Generator();
serve((plan) => generator.generate(plan as LoadPlan));
