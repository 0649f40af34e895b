#include "tide.h"

int tide_height_cm(int low_cm, int high_cm, int hour) {
    static const int twelfths[] = {0, 1, 3, 6, 9, 11, 12};
    if (hour < 0) hour = 0;
    if (hour > 6) hour = 6;
    return low_cm + (high_cm - low_cm) * twelfths[hour] / 12;
}
