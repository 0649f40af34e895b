/* The height of the water, by the rule of twelfths: in the six hours between low and high water
 * it rises by 1, 2, 3, 3, 2 and 1 twelfths of the range. */
int tide_height_cm(int low_cm, int high_cm, int hour);
