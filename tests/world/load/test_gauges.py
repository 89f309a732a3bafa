import numpy as np

from workbench.world.course import Course
from workbench.world.grid import Grid
from workbench.world.load.gauges import Gauges

GRID = Grid(15.0, 7.0, 6000.0)
BINS = len(GRID)
POOL = "/ -> db"


def course(low, high, busy, waiting, servers):
    return Course(low, high, {}, {"api": busy, POOL: busy}, {"api": waiting, POOL: waiting}, {"api": servers, POOL: servers})


class Told:
    """A flow that gives the courses that it was told."""

    def __init__(self, *courses):
        self.courses = list(courses)

    def usual(self):
        return course(0, BINS, np.linspace(0, 0.5, BINS), np.zeros(BINS), np.full(BINS, 8))

    def course(self, low, high, _effects):
        found = self.courses.pop(0)
        assert (found.low, found.high) == (low, high)
        return found


def test_a_disturbed_stretch_is_seen_and_what_is_taken_back_is_as_usual_again():
    gauges = Gauges(Told(course(50, 250, np.ones(200), np.arange(200.0), np.full(200, 12)), Course(150, 250, {})), GRID)
    gauges.course(50, 250, [])
    gauges.course(150, 250, [])
    found = {str(one.key): one for one in gauges.series()}

    at = np.arange(BINS)
    inside = (at >= 50) & (at < 150)
    busy = np.where(inside, 1.0, np.linspace(0, 0.5, BINS)).astype(np.float32)
    np.testing.assert_array_equal(found['component_queue_length{component="api"}'].values, np.where(inside, at - 50, 0))
    np.testing.assert_array_equal(found['component_servers{component="api"}'].values, np.where(inside, 12, 8))
    np.testing.assert_array_equal(found['component_utilisation_ratio{component="api"}'].values, busy)
    np.testing.assert_array_equal(found['connection_pool_utilisation_ratio{caller="/",component="db"}'].values, busy)
    assert set(gauges.utilisation) == {"api"}
