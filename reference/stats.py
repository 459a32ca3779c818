"""Writes what scipy, statsmodels, scikit-learn, krippendorff and irrCAC compute of random
votes and differences, as evalharness/stats/testdata/golden.json.

    python reference/stats.py

Needs numpy, scipy, statsmodels, scikit-learn, krippendorff, irrCAC, pandas. Tango's
interval has its oracle here: the score test with the most likely probabilities under
each difference found by a numerical optimiser, not by the closed form.
"""

import json
import math
import pathlib
import warnings

import irrCAC.raw
import krippendorff
import numpy as np
import pandas as pd
import scipy
import scipy.optimize as opt
import scipy.stats as st
import sklearn
import statsmodels
import statsmodels.api as sm
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.inter_rater import aggregate_raters, fleiss_kappa
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

warnings.simplefilter("ignore")
OUT = pathlib.Path(__file__).parent.parent / "evalharness/stats/testdata/golden.json"
rng = np.random.default_rng(11)


def tango(b, c, n, level):
    z = st.norm.ppf((1 + level) / 2)

    def most_likely(d):  # P(only B) = q, P(only A) = q + d, the rest 1 - 2q - d
        lo, hi = max(0, -d), (1 - d) / 2
        if hi - lo < 1e-13:
            return lo

        def loss(q):
            ll = 0.0
            for k, p in ((b, q + d), (c, q), (n - b - c, 1 - 2 * q - d)):
                if k:
                    ll += k * math.log(max(p, 1e-300))
            return -ll
        return opt.minimize_scalar(loss, bounds=(lo, hi), method="bounded", options=dict(xatol=1e-13)).x

    def score(d):
        q = most_likely(d)
        v = n * (2 * q + d - d * d)
        return (b - c - n * d) / math.sqrt(v) if v > 1e-12 else math.copysign(1e9, b - c - n * d)
    at = (b - c) / n
    low = -1.0 if score(-1 + 1e-9) < z else opt.brentq(lambda d: score(d) - z, -1 + 1e-9, at - 1e-9) if at > -1 + 2e-9 else -1.0
    high = 1.0 if score(1 - 1e-9) > -z else opt.brentq(lambda d: score(d) + z, at + 1e-9, 1 - 1e-9) if at < 1 - 2e-9 else 1.0
    return low, high


def none(v):
    return None if v is None or not math.isfinite(v) else float(v)


def votes(items, raters, categories, missing):
    base = rng.integers(0, categories, items)
    v = np.where(rng.random((items, raters)) < .6, base[:, None], rng.integers(0, categories, (items, raters)))
    return np.where(rng.random((items, raters)) < missing, -1, v)


golden = {"made": f"reference/stats.py, scipy {scipy.__version__}, statsmodels {statsmodels.__version__}, scikit-learn {sklearn.__version__}, numpy {np.__version__}"}
golden["mcnemar"] = []
for _ in range(60):
    b, c = int(rng.integers(0, 40)), int(rng.integers(0, 40))
    r = mcnemar([[5, b], [c, 9]], exact=True)
    exact = float(r.pvalue) if b + c else 1.0
    golden["mcnemar"].append([b, c, min(1.0, exact), float(2 * st.binom.cdf(min(b, c) - 1, b + c, .5) + st.binom.pmf(min(b, c), b + c, .5)) if b + c else 1.0])
golden["wilson"] = []
for _ in range(40):
    n = int(rng.integers(1, 200))
    k = int(rng.integers(0, n + 1))
    level = float(rng.choice([.6, .9, .95]))
    golden["wilson"].append([k, n, level, *map(float, proportion_confint(k, n, 1 - level, "wilson"))])
golden["tango"] = []
for _ in range(60):
    n = int(rng.integers(5, 200))
    b = int(rng.integers(0, n // 2 + 1))
    c = int(rng.integers(0, (n - b) // 2 + 1))
    level = float(rng.choice([.9, .95]))
    golden["tango"].append([b, c, n, level, *map(float, tango(b, c, n, level))])
golden["flip"], golden["student"], golden["bca"], golden["clustered"] = [], [], [], []
for i in range(24):
    d = np.round(rng.normal(rng.choice([0, .3]), 1, int(rng.integers(3, 15))), 2 if i % 2 else 0)
    if not d.any():
        continue
    r = st.permutation_test((d,), lambda x, axis: x.mean(axis=axis), permutation_type="samples", n_resamples=np.inf, vectorized=True)
    golden["flip"].append([d.tolist(), float(r.pvalue)])
for _ in range(12):
    x = rng.gamma(1, 1, int(rng.integers(5, 60)))
    t = st.t.interval(.95, len(x) - 1, x.mean(), st.sem(x))
    golden["student"].append([x.tolist(), *map(float, t)])
    r = st.bootstrap((x,), np.mean, n_resamples=499, confidence_level=.9, method="BCa", random_state=rng)
    golden["bca"].append([x.tolist(), r.bootstrap_distribution.tolist(), .9, float(r.confidence_interval.low), float(r.confidence_interval.high)])
    g = rng.integers(0, max(2, len(x) // 3), len(x))
    ols = sm.OLS(x, np.ones(len(x))).fit(cov_type="cluster", cov_kwds=dict(groups=g, use_correction=True))
    golden["clustered"].append([x.tolist(), g.tolist(), float(ols.bse[0])])
golden["holm"] = []
for _ in range(20):
    p = np.round(rng.random(int(rng.integers(1, 9))) ** 3, 3)
    golden["holm"].append([p.tolist(), multipletests(p, method="holm")[1].tolist()])
golden["agreement"] = []
for i in range(40):
    raters, categories = int(rng.integers(2, 5)), int(rng.integers(2, 5))
    v = votes(int(rng.integers(8, 40)), raters, categories, 0 if i % 2 else .15)
    if len(np.unique(v[v >= 0])) < 2:
        continue
    f = np.where(v < 0, np.nan, v).astype(float)
    row = {"votes": v.tolist(), "categories": categories}
    for level in ("nominal", "ordinal", "interval"):
        row[level] = none(krippendorff.alpha(reliability_data=f.T, level_of_measurement=level, value_domain=list(range(categories))))
    both = (v >= 0).all(axis=1)
    row["cohen"] = none(cohen_kappa_score(v[both, 0], v[both, 1])) if raters == 2 else None
    row["fleiss"] = none(fleiss_kappa(aggregate_raters(v, n_cat=categories)[0])) if i % 2 else None
    row["ac1"] = none(irrCAC.raw.CAC(pd.DataFrame(f), categories=list(map(float, range(categories))), digits=12).gwet()["est"]["coefficient_value"])
    golden["agreement"].append(row)
OUT.parent.mkdir(parents=True, exist_ok=True)
OUT.write_text(json.dumps(golden, separators=(",", ":")) + "\n")
print({k: len(v) for k, v in golden.items()}, OUT.stat().st_size)
