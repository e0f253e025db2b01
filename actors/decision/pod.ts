import type { CreativeEntry } from "../../protocols/catalog-index.ts";
import { compose } from "./composer.ts";
import { contend, type Contender, isRaised, scoreOf, type Scored } from "./contender.ts";
import type { PlaceDecision } from "./decision.ts";
import { type Deliberation, heldBack, outcomeOf, worthless } from "./deliberation.ts";
import { isDynamic, type Place } from "./places.ts";
import { type Line, linesOf } from "./pod-lines.ts";
import { opinionsAt, type PodOpinions } from "./pod-opinions.ts";
import { chosenOf, compareStandings, shareOf, type Standing } from "./pod-standing.ts";
import { actionSet, type Ranks, ranksOf } from "./propensity.ts";
import type { SlateAd, SlateOption, SlateProblem } from "./slate.ts";

/*
 * Several places in one answer. Place by place, in the order in which they are heard: all roles are asked given the ads ahead, and each
 * contender counts as much as the best slate that begins with it, so that the answer is the best of all when nothing is drawn. What is
 * drawn, is drawn at its place, independently: so each place has an exact propensity given its prefix, and the answer their product.
 * S1 to S3 hold at every place against what stands before it, whatever the search looked ahead to.
 */

/** Steps of all searches of one decision, where the request does not say; of one search; and at least, so that each place gets the next best. */
const STEPS_MAX = 20_000;
const SEARCH_STEPS_MAX = 4_000;
const SEARCH_STEPS_MIN = 64;
/** Contenders for one place that the throttle may hold back, one after the other. */
const RANKED_MAX = 16;

/** @returns one outcome a place. */
export function decidePod(
  deliberation: Deliberation,
  places: readonly Place[],
  words: readonly number[],
): readonly PlaceDecision[] {
  const pod = new Pod(deliberation, places, linesOf(deliberation, words));
  return places.map((_, at) => pod.decide(at));
}

/** One ad of a line. */
interface PodAd extends SlateAd {
  readonly creative: CreativeEntry;
}

interface Placed {
  readonly ad: PodAd;
  readonly pod: number;
  readonly priceNanos: number;
}

class Pod {
  readonly #deliberation: Deliberation;
  readonly #places: readonly Place[];
  readonly #lines: readonly Line[];
  readonly #ads: readonly PodAd[];
  readonly #campaigns: readonly string[];
  readonly #kinds: readonly number[];
  readonly #leftMs: number[];
  readonly #placed: Placed[] = [];
  readonly #keptOut = new Map<string, ReadonlyMap<number, number>>();
  #stepsLeft: number;

  constructor(deliberation: Deliberation, places: readonly Place[], lines: readonly Line[]) {
    const { slots, searchStepsMax } = deliberation.inputs.request;
    this.#deliberation = deliberation;
    this.#places = places;
    this.#lines = lines;
    this.#campaigns = [...new Set(lines.map(({ adSet }) => adSet.campaignId))];
    this.#ads = lines.flatMap(({ adSet, proposal }, line) =>
      proposal.creatives.map((creative) => ({
        line,
        campaign: this.#campaigns.indexOf(adSet.campaignId),
        creative,
        durationMs: creative.durationMs,
        marks: marksOf(creative),
      })),
    );
    const kinds = slots.map((slot, imp) => JSON.stringify(isDynamic(slot) ? imp : { ...slot, impId: "" }));
    this.#kinds = kinds.map((kind) => kinds.indexOf(kind));
    this.#leftMs = slots.map(({ pod }) => pod?.durationMs ?? Infinity);
    this.#stepsLeft = searchStepsMax ?? STEPS_MAX;
  }

  decide(at: number): PlaceDecision {
    const place = this.#places[at];
    const rules = this.#deliberation.rules[place?.imp ?? 0];
    if (place === undefined || rules === undefined) throw new RangeError(`there is no place ${at}`);
    const ahead = this.#placed.map(({ ad, pod }) => ({
      adSet: this.#line(ad.line).adSet,
      creative: ad.creative,
      samePod: pod === place.pod,
    }));
    const proposals = this.#lines.map(({ proposal }) => proposal);
    const freeNanos = this.#lines.map((line) => line.freeNanos - this.#spentBy(line.adSet.campaignId));
    const opinions = opinionsAt(this.#deliberation, proposals, freeNanos, ahead);
    const problem = this.#problemAt(at, opinions, freeNanos);
    const ranks = this.#ranksAt(at, problem, opinions);
    if (at === 0) this.#takeDown(problem, opinions);
    const seed = seedOf(this.#deliberation.seed, at);
    const chosen = chosenOf(ranks, seed);
    for (const { isIn, takesPart } of ranks.flat()) if (!isIn) this.#deliberation.tally.counted(heldBack(takesPart));
    if (chosen !== undefined) this.#place(chosen, place);
    return outcomeOf(actionSet(ranks), chosen, rules);
  }

  #problemAt(at: number, opinions: PodOpinions, freeNanos: readonly number[]): SlateProblem {
    const rest = this.#places.slice(at);
    const later = new Map<number, readonly SlateOption[]>();
    for (const { imp } of rest) if (!later.has(imp)) later.set(imp, this.#optionsFor(imp, opinions, false));
    const places = rest.map(({ imp, pod }, position) => ({
      imp,
      pod,
      kind: this.#kinds[imp] ?? imp,
      options: position === 0 ? this.#optionsFor(imp, opinions, true) : (later.get(imp) ?? []),
    }));
    const campaigns = this.#campaigns.map((id) => {
      const lines = this.#lines.flatMap(({ adSet }, line) => (adSet.campaignId === id ? [line] : []));
      return {
        freeNanos: freeNanos[lines[0] ?? 0] ?? 0,
        adsMax: Math.min(...lines.map((line) => opinions.left[line] ?? Infinity)),
      };
    });
    return {
      places,
      ads: this.#ads,
      impDurationsMs: this.#leftMs,
      campaigns,
      keepsOut: (earlier, later_, samePod) => this.#keepsOut(earlier, later_, samePod),
      excluded: new Set(),
      nodesMax: SEARCH_STEPS_MAX,
    };
  }

  /** @param isNext for the place in question; else for one behind it. */
  #optionsFor(imp: number, opinions: PodOpinions, isNext: boolean): readonly SlateOption[] {
    const options: SlateOption[] = [];
    const used = new Set(this.#placed.flatMap(({ ad }) => ad.marks));
    this.#ads.forEach((ad, index) => {
      const { creatives } = this.#line(ad.line);
      if (creatives[imp]?.includes(ad.creative) !== true || ad.durationMs > (this.#leftMs[imp] ?? Infinity)) return;
      const out = opinions.isOut(ad.line, ad.creative.id);
      if (out === "always" || (isNext && out === "now") || ad.marks.some((mark) => used.has(mark))) return;
      const { sale, scoreNanos } = this.#scored(index, imp, opinions);
      if (scoreNanos > 0) options.push({ ad: index, tier: sale.tier, nanos: scoreNanos, priceNanos: sale.costNanos });
    });
    return options.sort((one, other) => one.tier - other.tier || other.nanos - one.nanos || one.ad - other.ad);
  }

  #scored(index: number, imp: number, { reward, personalisation }: PodOpinions): Scored {
    const { inputs, rules } = this.#deliberation;
    const { line, creative } = this.#ad(index);
    const { adSet, proposal } = this.#line(line);
    const of = rules[imp];
    if (of === undefined) throw new RangeError(`there is no slot ${imp}`);
    const expectation = personalisation.expectations[line]?.[proposal.creatives.indexOf(creative)];
    return scoreOf(adSet, creative, { reward, upliftMax: inputs.upliftMax }, expectation, of);
  }

  /** The contenders for a place by what they make of the answer: down to the best that takes part for certain, with its equals. */
  #ranksAt(at: number, problem: SlateProblem, opinions: PodOpinions): Ranks {
    const standings = new Map<Contender, Standing>();
    const excluded = new Set<number>();
    let certain: Standing | undefined;
    while (standings.size < RANKED_MAX) {
      const nodesMax = Math.max(SEARCH_STEPS_MIN, Math.min(SEARCH_STEPS_MAX, this.#stepsLeft));
      const { picks, worth, nodes } = compose({ ...problem, excluded, atLeast: certain?.worth, nodesMax });
      this.#stepsLeft -= nodes;
      const [first] = picks;
      // An empty place makes as much of the answer as anything that is left.
      if (first === null || first === undefined) break;
      const standing = { worth, first };
      if (certain !== undefined && compareStandings(standing, certain) < 0) break;
      const { line } = this.#ad(first.ad);
      const contender = this.#contend(at, line, problem, opinions);
      standings.set(contender, standing);
      excluded.add(line);
      if (contender.takesPart >= 1) certain ??= standing;
    }
    const standingOf = (contender: Contender): Standing => {
      const standing = standings.get(contender);
      if (standing === undefined) throw new Error("a contender without standing");
      return standing;
    };
    return ranksOf([...standings.keys()], (one, other) => compareStandings(standingOf(one), standingOf(other)));
  }

  #contend(at: number, line: number, { places }: SlateProblem, opinions: PodOpinions): Contender {
    const { rules, inputs, seed } = this.#deliberation;
    const of = rules[this.#places[at]?.imp ?? 0];
    if (of === undefined) throw new RangeError(`there is no place ${at}`);
    const { adSet, proposal } = this.#line(line);
    const options = (places[0]?.options ?? []).filter(({ ad }) => this.#ad(ad).line === line);
    const tier = Math.min(...options.map((option) => option.tier));
    const creatives = options.filter((option) => option.tier === tier).map(({ ad }) => this.#ad(ad).creative);
    const positions = creatives.map((creative) => proposal.creatives.indexOf(creative));
    const expectations = opinions.personalisation.expectations[line] ?? [];
    const chances = opinions.creative.chances[line] ?? [];
    const contender = contend(
      { adSet, creatives },
      {
        reward: opinions.reward,
        expectations: positions.flatMap((position) => expectations[position] ?? []),
        chances: positions.map((position) => chances[position] ?? 0),
        standIn: opinions.creative.defaults[line],
        upliftMax: inputs.upliftMax,
        takesPart: isRaised(tier, adSet) ? 1 : shareOf(opinions.chances[line] ?? 1, this.#places.length),
      },
      of,
      seedOf(seed, at),
    );
    if ("worthless" in contender) throw new Error(`${adSet.id} was worth a place and is not`);
    return contender;
  }

  #place(chosen: Contender, { imp, pod }: Place): void {
    const { creative, sale } = chosen.drawn;
    const ad = this.#ads.find((each) => this.#line(each.line).adSet === chosen.adSet && each.creative === creative);
    if (ad === undefined) throw new Error(`${creative.id} is of no line`);
    this.#placed.push({ ad, pod, priceNanos: sale.costNanos });
    this.#leftMs[imp] = (this.#leftMs[imp] ?? Infinity) - ad.durationMs;
    if (chosen.standIn !== undefined) this.#deliberation.tally.defaulted("creative", chosen.standIn);
  }

  #spentBy(campaignId: string): number {
    return this.#placed
      .filter(({ ad }) => this.#line(ad.line).adSet.campaignId === campaignId)
      .reduce((sum, { priceNanos }) => sum + priceNanos, 0);
  }

  /** What separation has against every ad, were `earlier` just placed. */
  #keepsOut(earlier: number, later: number, samePod: boolean): number {
    const key = `${earlier}/${samePod}`;
    let kept = this.#keptOut.get(key);
    if (kept === undefined) {
      kept = this.#askWhatIsKeptOut(earlier, samePod);
      this.#keptOut.set(key, kept);
    }
    return kept.get(later) ?? 0;
  }

  #askWhatIsKeptOut(earlier: number, samePod: boolean): ReadonlyMap<number, number> {
    const { roles, tally } = this.#deliberation;
    const { line, creative } = this.#ad(earlier);
    const proposals = this.#lines.map(({ proposal }) => proposal);
    const verdict = roles.separation({ proposals, ahead: [{ adSet: this.#line(line).adSet, creative, samePod }] });
    tally.consulted(verdict);
    const kept = new Map<number, number>();
    for (const { proposal, creativeId, reachAds } of verdict.answer.vetoes) {
      this.#ads.forEach((ad, index) => {
        if (ad.line !== proposal || (creativeId !== undefined && ad.creative.id !== creativeId)) return;
        kept.set(index, Math.max(kept.get(index) ?? 0, reachAds ?? Infinity));
      });
    }
    return kept;
  }

  /** Writes down how each line stood before anything was placed. */
  #takeDown({ places }: SlateProblem, opinions: PodOpinions): void {
    const { tally } = this.#deliberation;
    const best = new Map<number, { readonly index: number; readonly imp: number }>();
    for (const { imp, options } of places) {
      for (const { ad } of options) {
        const { line } = this.#ad(ad);
        if (!best.has(line)) best.set(line, { index: ad, imp });
      }
    }
    this.#lines.forEach(({ adSet, creatives, proposal }, line) => {
      const found = best.get(line);
      if (found !== undefined) {
        const { creative, terms, scoreNanos } = this.#scored(found.index, found.imp, opinions);
        tally.scored(adSet, creative.id, terms, scoreNanos);
        return;
      }
      const vetoes = opinions.vetoes[line] ?? [];
      const imp = creatives.findIndex((of) => of.length > 0);
      const index = this.#ads.findIndex((ad) => ad.line === line && creatives[imp]?.includes(ad.creative) === true);
      if (vetoes.length > 0 || index === -1) return tally.vetoed(adSet, vetoes);
      const { terms, scoreNanos } = this.#scored(index, imp, opinions);
      const veto = worthless(terms.some(({ role }) => role === "reward"));
      tally.worthless(adSet, proposal.creatives[0]?.id ?? "", veto, terms, scoreNanos);
    });
  }

  #line(line: number): Line {
    const found = this.#lines[line];
    if (found === undefined) throw new RangeError(`there is no line ${line}`);
    return found;
  }

  #ad(ad: number): PodAd {
    const found = this.#ads[ad];
    if (found === undefined) throw new RangeError(`there is no ad ${ad}`);
    return found;
  }
}

/** The first draws of a decision are those of its first place. */
const seedOf = (seed: string, at: number): string => `${seed}/${at}`;

/** What may be heard once in an answer (S2). */
function marksOf({ id, adId, mediaFiles }: CreativeEntry): readonly string[] {
  const marks = [`creative ${id}`, ...mediaFiles.map(({ url }) => `media ${url}`)];
  return adId === null ? marks : [...marks, `id ${adId}`];
}
