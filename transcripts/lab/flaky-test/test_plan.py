import unittest

from plan import channels_used, make_plan

LICENSED = 7


class PlanTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.channel, cls.links = make_plan()

    def test_every_mic_has_a_channel(self):
        self.assertEqual(set(self.channel), set(self.links))

    def test_neighbours_differ(self):
        for mic, others in self.links.items():
            for other in others:
                self.assertNotEqual(self.channel[mic], self.channel[other], f"{mic.name} and {other.name}")

    def test_fits_the_licence(self):
        self.assertLessEqual(channels_used(self.channel), LICENSED)


if __name__ == "__main__":
    unittest.main()
