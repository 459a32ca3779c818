"""Writes what scikit-learn, statsmodels, krippendorff and scipy compute of the votes in
evalharness/rating/panel_test.go, as evalharness/rating/testdata/panel.json.

    python reference/panel.py

Needs numpy, scipy, statsmodels, scikit-learn, krippendorff.
"""

import json
import pathlib

import krippendorff
import numpy as np
import scipy
import scipy.stats as st
import sklearn
import statsmodels
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.inter_rater import aggregate_raters, fleiss_kappa

MINDS = [
    [1, 1, 1, 1, 1, 1, 1, 1, 0, 0, -1, -1],
    [1, 1, 1, 1, 1, 1, 0, 1, 0, 1, -1, -1],
]
IDENTICAL = 3

votes = np.array(MINDS)
means = np.concatenate([votes.mean(axis=0), np.zeros(IDENTICAL)])
wins, losses = int((means > 0).sum()), int((means < 0).sum())
n, low = wins + losses, min(wins, losses)
midp = 2 * (st.binom.cdf(low, n, 0.5) - st.binom.pmf(low, n, 0.5) / 2)
net = (wins - losses) / len(means)
out = {
    "by": f"reference/panel.py: scikit-learn {sklearn.__version__}, statsmodels {statsmodels.__version__}, "
    f"krippendorff {krippendorff.__version__ if hasattr(krippendorff, '__version__') else ''}, scipy {scipy.__version__}",
    "values": {
        "raw": float((votes[0] == votes[1]).mean()),
        "cohen": cohen_kappa_score(votes[0], votes[1]),
        "fleiss": fleiss_kappa(aggregate_raters(votes.T)[0]),
        "krippendorff": krippendorff.alpha(votes, level_of_measurement="nominal"),
        "p": float(min(1, midp)),
        "net": net,
        "win_rate": (1 + net) / 2,
        "wins": wins,
        "losses": losses,
        "ties": len(means) - wins - losses,
    },
}
path = pathlib.Path(__file__).parent.parent / "evalharness/rating/testdata/panel.json"
path.parent.mkdir(exist_ok=True)
path.write_text(json.dumps(out, indent=1) + "\n")
